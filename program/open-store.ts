/**
 * The one door to the store that the configuration names, for the program and for commands, which may not import the store
 * itself: open it to write, read it beside the process that writes, back it up, restore it.
 */

import type { Config } from "../core/config/config.ts";
import type { Store } from "../core/store/store.ts";
import * as backup from "../store/sqlite/backup.ts";
import { openSqliteStore, readSqliteStore, type StoreToRead } from "../store/sqlite/sqlite.ts";

type StoreSettings = Config["store"];

/** For the one program that writes it. @throws Refused with what to do about it. */
export const openStore = ({ sqlite }: StoreSettings): Promise<Store> => openSqliteStore(sqlite);

/** While another process writes it. @throws Refused when there is none, or one that this version cannot read. */
export const readStore = ({ sqlite }: StoreSettings): Promise<StoreToRead> => readSqliteStore(sqlite);

/** A consistent copy while everything goes on. Never overwrites. */
export const backupStore = ({ sqlite }: StoreSettings, target: string): Promise<void> =>
  backup.backupStore(sqlite, target);

/** Makes the store out of a backup. Never overwrites one. */
export const restoreStore = (source: string, { sqlite }: StoreSettings): Promise<void> =>
  backup.restoreStore(source, sqlite);
