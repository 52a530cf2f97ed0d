/** English, as it is written in Canada: every sentence of the pages and of what members read. */
import type { ResidencySource } from "../status/residency.ts";
import type { WholeTranslation } from "./words.ts";

const conjunction = new Intl.ListFormat("en-CA", { type: "conjunction" });
const list = (names: readonly string[]): string => conjunction.format(names);

const twoDigits = (number: number): string => String(number).padStart(2, "0");

const sources: Readonly<Record<ResidencySource, string>> = {
  networks: "our own list of networks",
  database: "a database of locations",
  RDAP: "the address registries (RDAP)",
};

const en: WholeTranslation = {
  tag: "en-CA",
  name: "English",
  forms: {
    clock: (hour, minute) => `${twoDigits(hour)}:${twoDigits(minute)}`,
    dateAndTime: (date, time) => `${date}, ${time}`,
    timeAndPlace: (time, place) => `${time} ${place}`,
    minus: "-",
    date: (date) => date,
    size: (number, unit) => `${number}\u00a0${unit}`,
    noData: "no data",
    typeset: (sentence) => sentence,
  },
  page: {
    state: { up: "Working", degraded: "Degraded", down: "Down", unknown: "Not measured" },
    colon: ": ",
    since: "Since",
    from: "From",
    toTime: "to",
    toDay: "to",
    lasted: (span) => `lasted ${span}`,
    cameAndWent: (span) => `came and went for ${span}`,
    alreadyLasts: (span) => `${span} so far`,
    resolved: (title) => `Resolved: “${title}”`,
    ongoing: "not over yet",
    number: (id) => `No. ${id}`,
    checkedAt: "Checked at",
    madeBy: "Measured by",
    backToStatus: "To the status page",
    skip: "Skip to the content",
    otherLanguage: "Language",
    practice: "Practice",
    practiceMeans: "Nothing on this page is real: these are stand-ins for trying Tidewatch out.",
    notes: {
      store:
        "We cannot read our own records at the moment, so the history below may be incomplete. We are looking into it.",
      render:
        "We cannot bring this page up to date at the moment. What follows is what we last knew; mind the time it was checked.",
      restart:
        "Monitoring has just been started again. What follows is what we last knew; mind the time it was checked.",
    },
  },
  status: {
    overall({ state, total }, affected) {
      const named = affected.length <= 2 ? list(affected) : `${affected.length} of ${total} services`;
      const is = affected.length === 1 ? "is" : "are";
      if (state === "empty") return "No service is shown here yet";
      if (state === "new") return "No measurements yet";
      if (state === "up") return "All services are working";
      if (state === "unknown") {
        return affected.length === total
          ? "We cannot measure right now"
          : `${named} ${is} not being measured right now`;
      }
      if (total > 2 && affected.length === total) {
        return state === "down" ? "All services are down" : "All services have problems";
      }
      if (state === "down") return `${named} ${is} down`;
      return `${named} ${affected.length === 1 ? "has" : "have"} problems`;
    },
    statusOf: (organisation) => `${organisation} status`,
    neverChecked: "Nothing has been checked yet. The first results come within a minute.",
    unknownMeans: "This does not mean that they are down: it is our own view that is missing.",
    lastChange: "Last change",
    changed: (name, to) =>
      ({
        up: `${name} works again`,
        degraded: `${name} works, but not as it should`,
        down: `${name} went down`,
        unknown: `${name} is not measured`,
      })[to],
    now: "Happening now",
    services: "Services",
    recent: (days) => `The last ${days} days`,
    noRecent: (days, isOneOpen) => `No ${isOneOpen ? "other " : ""}incident was recorded in the last ${days} days.`,
    history: "Past incidents, month by month",
    noDataYet: "No data yet",
    measuredBriefly: "Less than an hour measured",
    uptime: (percent, days) => `${percent} uptime in ${days} days`,
    uptimeOfMeasured: (percent, span) => `${percent} uptime in the ${span} measured`,
    daysAgo: (days) => `${days} days ago`,
    today: "Today",
    barLabel: (name, days, counts) => `${name}, last ${days} days: ${counts.join(", ")}`,
    dayCount: (days, outcome) => {
      const what = { up: "working", degraded: "with problems", down: "with an outage", unknown: "without data" }[
        outcome
      ];
      return `${days} ${days === 1 ? "day" : "days"} ${what}`;
    },
    dayByDay: (days) => `All ${days} days in words`,
    days: "Days",
    what: "State",
    howLong: "For how long",
    hostedIn: (countries) => `Hosted in ${list(countries)}.`,
    hostedChecked: (addresses, against) =>
      `${addresses === undefined ? "All addresses were" : addresses === 1 ? "1 address was" : `${addresses} addresses were`} checked against ${list(against.map((source) => sources[source]))}, last at`,
    legend: "Signs",
    rules:
      "Percentages are rounded down. Time in which we could not measure counts neither as uptime nor as an outage. A service is called down after several failed tries in a row.",
    team: "For the team",
  },
  history: {
    title: "Past incidents",
    titleOf: (organisation) => `${organisation}: past incidents, month by month`,
    means: "What members could notice, month by month, and the upgrades in between.",
    none: "No incidents.",
    noneWhileMeasuring: "No incidents while we were measuring.",
    noneNew: "No new incidents; an earlier one went on.",
    notMeasured: "We were not measuring, so nothing is known of this month.",
    partlyMeasured: (span) => `We were not measuring for ${span} in total.`,
    recordsBegin: "Our records begin on",
    more: "We keep what is older, but do not show it here.",
    nothing: "There is nothing to show here yet.",
  },
  capacity: {
    title: "Capacity",
    summary: "How full the databases and disks are, and until when they last.",
    nothing: "Nothing that fills is being watched",
    nothingHow:
      "Give a target a check with the probe “postgres” or “disk”; its capacity and the sizes on offer stand beside it in tidewatch.yaml.",
    headline: {
      page: (name) => `${name} is nearly full`,
      order: (name, { orderBy }) => `Order a bigger size for ${name} ${orderBy}`,
      plan: (name, { early, late }) => `${name} is full between ${early} and ${late}`,
      calm: (name, { early }) => `${name} lasts at least until ${early}`,
      stale: (name, { measured }) => `${name} was last measured on ${measured}`,
      insufficient: (name) => `Nothing can be said about ${name} yet`,
    },
    overall: {
      page: (names) => `${list(names)} ${names.length === 1 ? "is" : "are"} nearly full`,
      order: (names) => `Time to order more room for ${list(names)}`,
      plan: (names) => `${list(names)} will be full within a quarter`,
      calm: () => "There is room for a quarter and more",
      stale: (names) => `${list(names)} ${names.length === 1 ? "is" : "are"} not being measured`,
      insufficient: () => "It is too early to say",
    },
    state: {
      page: "nearly full",
      order: "order now",
      plan: "plan",
      calm: "room enough",
      stale: "not measured",
      insufficient: "too early to say",
    },
    used: "Used",
    usedOf: (used, limit, share) => `${used} of ${limit} (${share})`,
    usable: "Usable",
    usableMeans: (usable, share) => `${usable}, ${share} of the limit: hosts stop writes before a disk is full`,
    growth: "Growth",
    growthPerDay: (size) => `${size} a day`,
    recurrentGrowth: (size, days) => `${size} a day over whole cycles; it is cleaned up every ${days} days`,
    full: "Full",
    between: (early, late) => `between ${early} and ${late} (80 % sure)`,
    afterOrNever: (early) => `${early} at the earliest, or more than two years from now`,
    beyond: "more than two years from now",
    beyondShort: "over 2 years",
    beyondHeadline: (name) => `${name} has room for more than two years`,
    orderBy: "Order by",
    orderNow: "now",
    by: "by",
    lead: (days) => `so that it is there ${days} days later, before the earliest date`,
    measuredAt: "Measured",
    notEnough: "A forecast needs readings of 8 days.",
    noLimit: "Its size is not known: set “capacity” in tidewatch.yaml.",
    staleNote:
      "There has been no reading for a day and a half. What follows is what was known then; look at the check first.",
    chartLabel: (name, full) => `Space used by ${name} over time, with its limit and forecast. Full: ${full}`,
    chartCaption: "Solid: measured. Shaded: where it will be with 80 % confidence; dashed: the middle of it.",
    today: "Today",
    limit: (size) => `Limit ${size}`,
    usableLine: (size) => `Usable ${size}`,
    usedNow: (size) => `${size} used`,
    range: (early, late) => `full ${early} – ${late}`,
    from: (early) => `full from ${early} on`,
    steps: "Not counted as growth",
    happened: "Dotted lines",
    step: { excursion: "came and went", "clean-up": "clean-up", import: "import" },
    stepsMean: "Ringed in the chart. The forecast assumes that nothing like it comes again.",
    limits:
      "Growth that speeds up is foreseen about 15 % too late; a change of pace needs three weeks to be half believed. Imports still to come are not foreseen.",
    table: "The chart as a table",
    tableCaption: "One row a week",
    day: "Day",
    measured: "Measured",
    forecast: "Forecast (80 %)",
    csv: "All days as CSV",
    sizes: "What each size buys",
    sizesCaption: (target) => `“Lasts until” is the earliest date. Recommended is the cheapest that lasts ${target}.`,
    size: "Size",
    lasts: "Lasts until",
    monthly: "A month",
    more: (price) => `${price} more`,
    perMonthGained: "For each month gained",
    current: "in use now",
    recommended: "recommended",
    tooSmall: "too small",
    noRoom: "no room to rewrite the biggest table",
    noneIsEnough: (target) => `None of these sizes lasts ${target}: ask the host for a bigger one.`,
    parts: "What grows",
    partsCaption: (days) => `Over the last ${days} days`,
    part: "Name",
    partSize: "Size",
    partGrowth: "Growth a day",
    partKind: { database: "database", table: "table with its indexes", others: "all smaller tables" },
    days: (days) => `${days} days`,
  },
  outbox: {
    title: "Messages",
    summary: "Who was sent what, when and with which answer; what waits, and which channels are sick.",
    headline: {
      silent: (channels) =>
        `${list(channels)} ${channels.length === 1 ? "accepts" : "accept"} nothing: who is to be told that way does not hear of it`,
      unreadable: "The list of messages cannot be read at the moment",
      late: (due, span) =>
        `${due === 1 ? "1 message is" : `${due} messages are`} due and not accepted, the oldest for ${span}`,
      inPart: (channels) => `${list(channels)} ${channels.length === 1 ? "does" : "do"} not reach everybody`,
      underWay: (due) => `${due === 1 ? "1 message is" : `${due} messages are`} on the way`,
      calm: "All that was due has been accepted",
    },
    askedAt: "As of",
    channels: "Channels",
    channelsCaption: "A channel is sick from the first refusal or silence that nothing accepted has followed.",
    noChannels: "No channel is configured, so nobody is told anything.",
    channel: "By",
    state: "State",
    since: "Since",
    why: "What was said",
    works: "No fault is known",
    acceptsNothing: "Accepts nothing",
    acceptsNothingFor: (names) => `Accepts nothing for ${list(names)}`,
    fallback: "If the store fails",
    fallbackIdle: "The store takes what is written. If it stops, pages leave without it.",
    pastStore: "The store cannot be written. Pages leave without it, and are written down later.",
    pastStoreCaption: "Told without the store",
    noFallbackFile:
      "The fallback file cannot be used: a kill would forget who was told without the store. The log says why.",
    pastState: {
      waiting: "waits",
      sending: "on its way",
      told: "accepted",
      unanswered: "sent as often as it may be; nobody answered",
      withdrawn: "not needed any more",
    },
    unreadableMeans: "The list of messages cannot be read at the moment. What is written above is still true.",
    waiting: "What waits",
    waitingCaption: (count) => (count === 1 ? "1 message, not accepted yet" : `The oldest ${count}, not accepted yet`),
    nothingWaits: "Nothing waits.",
    newest: "The last messages",
    newestCaption: (count) => (count === 1 ? "1 message" : `${count} messages, the newest first`),
    nothingSent: "Nothing has been sent yet.",
    what: "What",
    to: "To",
    dueSince: "Due since",
    when: "When",
    answer: "Answer",
    kind: {
      page: "Page",
      escalation: "Escalation",
      resolve: "Resolved",
      ticket: "Ticket",
      announcement: "Announcement",
      "sign-in": "Sign-in link",
      test: "Test",
    },
    answers: {
      pending: "Not accepted yet.",
      sending: "On its way.",
      sent: "Accepted",
      superseded: "Not needed any more.",
      dropped: "Given up.",
    },
    tried: (times) => (times === 1 ? "Tried once" : `Tried ${times} times`),
    nextTry: "next try",
    copies: (copies) => `up to ${copies} copies may have arrived`,
    noSuchChannel: "This channel is not configured. It waits until the channel is back or somebody else is told.",
    strange: "Not readable",
    strangeCaption: "Left by another version. Nothing is done with them, and all others go on.",
    row: "Row",
  },
  acknowledge: {
    title: "Take this incident",
    what: "What",
    since: "Since",
    seen: "What was seen",
    who: "Who has it",
    nobody: "Nobody yet",
    has: (name) => `${name}`,
    take: "I am working on it",
    taking: (name) => `You act as ${name}, to whom this link was sent, also if somebody passed the message on to you.`,
    meaning:
      "This stops further calls for this incident. It does not end it: that happens when the checks are good again.",
    done: "It is yours. No further calls go out for this incident.",
    yours: "It is already yours.",
    taken: (name) => `${name} has it already.`,
    over: "It is already over.",
    runbook: "What to do first",
  },
  signIn: {
    title: "Sign in",
    ask: "These pages are for the team. Give your e-mail address and we send you a link that works once.",
    email: "E-mail address",
    send: "Send me a link",
    sent: "Look at your mail",
    sentMeans:
      "If that address belongs to somebody of the team, a link is on its way. It works once, for 30 minutes. If mail is what is broken, somebody with access to the server can run: tidewatch sign-in ADDRESS",
    confirmTitle: "Sign in",
    confirm: (name) => `You are about to sign in as ${name}.`,
    button: "Sign in",
    signOut: "Sign out",
    signedInAs: (name) => `Signed in as ${name}`,
    pages: "Team pages",
    subject: (organisation) => `Sign in to the team pages of ${organisation}`,
    body: (organisation, link, minutes) =>
      `Somebody, most likely you, asked to sign in to the team pages of ${organisation}.\n\nOpen this link and press the button. It works once, for ${minutes} minutes:\n\n${link}\n\nIf it was not you, do nothing: without this link nobody gets in.\n`,
    retry: "Ask for a new link",
  },
  error: {
    "not-found": { title: "There is no such page", text: "Perhaps the address has a typing error." },
    gone: {
      title: "This link no longer works",
      text: "It is too old, was used already, or is not complete. Sign in, or use the newest message.",
    },
    refused: {
      title: "This did not come from our own page",
      text: "Nothing was changed. Open the page again and press the button there.",
    },
    "too-large": { title: "That was too much at once", text: "Nothing was changed." },
    "too-many": { title: "Too many tries", text: "Wait some minutes, then try again." },
    store: {
      title: "We could not write that down",
      text: "Nothing was changed. Try again in a minute; if it stays like this, tell the person on call by telephone.",
    },
    accident: { title: "Something went wrong on our side", text: "It was recorded. Try again in a minute." },
  },
  members: {
    isDown: (name) => `${name} is down`,
    isDegraded: (name) => `Trouble with ${name}`,
    cannotBeReached: (name) => `${name} cannot be reached at the moment.`,
    worksInPart: (name) => `${name} works, but more slowly or less completely than usual.`,
    notMeasured: "We could not check this at the moment.",
    unreachable: "The service cannot be reached at the moment.",
    unreachableInternal: "Something that the service relies on does not answer, so parts of it may fail.",
    titled: (name, title) => `${name}: ${title}`,
    confirmed: (explanation) => `${explanation} We have noticed and are looking into it.`,
    withCause: (text, cause) => `${text} It comes from the trouble with ${cause}.`,
    causeFound: (cause) => `We know the cause: it comes from the trouble with ${cause}.`,
    raised: (explanation) => `It has become worse. ${explanation} We are looking into it.`,
    eased: (explanation) => `It is better than before. ${explanation} We are still working on it.`,
    acknowledged: "Someone on our team is working on it.",
    comesAndGoes: (explanation, span) =>
      `${explanation} It comes and goes, so this notice stays until all has worked for ${span} without a break.`,
    steadyAgain: (name, span) => `${name} works steadily again. It came and went for ${span}.`,
    upAgain: (name, span) => `${name} works again. It was out of reach for ${span}.`,
    normalAgain: (name, span) => `${name} works normally again, after ${span}.`,
    unwatched: (name) => `We no longer watch this part of ${name}, so this notice ends here.`,
    lessThanAMinute: "less than a minute",
    count: (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"}`,
    upgraded: (change) => `upgraded ${change}`,
    wentBack: (change) => `went back ${change}`,
    changed: (change) => `changed ${change}`,
  },
};

export default en;
