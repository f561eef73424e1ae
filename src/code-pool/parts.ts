/** What a pool is made of, put together on its storage. */

import { codeEnd } from "../domain/redemption.ts";
import { Alarm } from "./alarm.ts";
import { Announcer } from "./announcer.ts";
import { Breaker } from "./breaker.ts";
import { Checkout } from "./checkout.ts";
import { ClaimDesk } from "./claim-desk.ts";
import { Expiry } from "./expiry.ts";
import { Holds } from "./holds.ts";
import { Ledger } from "./ledger.ts";
import { Log } from "./log.ts";
import { Outbox } from "./outbox.ts";
import { PersonalData } from "./personal-data.ts";
import { Places } from "./places.ts";
import { Redemptions } from "./redemptions.ts";
import { Refiller } from "./refill.ts";
import { Requests } from "./requests.ts";
import { Reservations } from "./reservations.ts";
import { Settings } from "./settings.ts";
import { Siblings } from "./siblings.ts";
import { Stock } from "./stock.ts";
import { Sweeps } from "./sweeps.ts";
import { Tally } from "./tally.ts";

export function assemble(storage: DurableObjectStorage, env: () => Env) {
  const { sql } = storage;
  const db = () => env().DB;
  const stock = new Stock(sql);
  const settings = new Settings(sql);
  const reservations = new Reservations(sql);
  const personalData = new PersonalData({ sql, settings, reservations });
  const ledger = new Ledger(sql, () => {
    const { campaign } = settings.current();
    return {
      contactsFrom: () => personalData.contactsFrom(Date.now()),
      codeEnd: (ownEnd) => codeEnd(ownEnd, campaign),
    };
  });
  const redemptions = new Redemptions(sql);
  const holds = new Holds(sql);
  const places = new Places({ sql, ledger, stock });
  const log = new Log({ sql, ledger, redemptions });
  const expiry = new Expiry({ sql, ledger, log });
  const requests = new Requests(sql);
  const alarm = new Alarm(storage);
  const siblings = new Siblings({ pools: () => env().CODE_POOL, settings });
  const announcer = new Announcer({ settings, db, queue: () => env().NEWS });
  const breaker = new Breaker({ ledger, settings });
  const kept = { storage, sql, settings, ledger, stock, reservations, redemptions, holds };
  const parts = { ...kept, places, log, expiry, requests, personalData, alarm, breaker };
  return {
    ...parts,
    siblings,
    announcer,
    desk: new ClaimDesk(parts),
    checkout: new Checkout(parts),
    refiller: new Refiller({ ...parts, db, askSibling: (shard) => siblings.giveBack(shard) }),
    outbox: new Outbox({ ...parts, announcer, db }),
    tally: new Tally(parts),
    sweeps: new Sweeps({ ...parts, announcer }),
  };
}

export type Parts = ReturnType<typeof assemble>;
