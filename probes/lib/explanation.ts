/** Explanations for members when a service is not as it should be: both languages, no figures. */
import type { Localised } from "../../core/language.ts";

const about =
  (en: string, fr: string) =>
  (subject: Localised): Localised => ({ en: `${subject.en} ${en}`, fr: `${subject.fr} ${fr}` });

export const thePage: Localised = { en: "The page", fr: "La page" };

export const answersWithError = about("answers with an error.", "répond par une erreur.");
export const showsWrongPage = about("shows something other than it should.", "affiche autre chose que prévu.");
export const isInMaintenance = about("says it is under maintenance.", "annonce une maintenance.");
export const leadsElsewhere = about("leads to another address.", "mène à une autre adresse.");
export const isClosed = about("says it has been closed for good.", "annonce sa fermeture définitive.");
export const isSlow = about("works, but slowly.", "fonctionne, mais lentement.");
export const worksWithProblems = about(
  "works, but not entirely as it should.",
  "fonctionne, mais pas tout à fait comme prévu.",
);

export const couldNotCheck: Localised = {
  en: "We could not check: our monitor was turned away.",
  fr: "Vérification impossible : notre outil de surveillance a été refusé.",
};

export const isHardToFind: Localised = {
  en: "Other servers may not be able to find our accounts.",
  fr: "D’autres serveurs risquent de ne pas trouver nos comptes.",
};

export const showsOldCopies: Localised = {
  en: "Saved copies of pages are still shown, but signing in and posting may fail.",
  fr: "Des copies enregistrées s’affichent encore, mais la connexion et la publication peuvent échouer.",
};
