/** What a pool is made of, put together on its storage. */

import { Alarm } from "./alarm.ts";
import { Announcer } from "./announcer.ts";
import { Breaker } from "./breaker.ts";
import { Checkout } from "./checkout.ts";
import { ClaimDesk } from "./claim-desk.ts";
import { Ledger } from "./ledger.ts";
import { Outbox } from "./outbox.ts";
import { PersonalData } from "./personal-data.ts";
import { Redemptions } from "./redemptions.ts";
import { Refiller } from "./refill.ts";
import { Requests } from "./requests.ts";
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
  const personalData = new PersonalData(sql, settings);
  const ledger = new Ledger(sql, () => personalData.contactsFrom(Date.now()));
  const redemptions = new Redemptions(sql);
  const requests = new Requests(sql);
  const alarm = new Alarm(storage);
  const siblings = new Siblings({ pools: () => env().CODE_POOL, settings });
  const announcer = new Announcer({ settings, db, queue: () => env().NEWS });
  const breaker = new Breaker({ ledger, settings });
  return {
    ledger,
    stock,
    settings,
    personalData,
    requests,
    alarm,
    siblings,
    breaker,
    desk: new ClaimDesk({ ledger, stock, settings, requests, breaker }),
    checkout: new Checkout({ storage, ledger, stock, redemptions, requests }),
    refiller: new Refiller({
      storage,
      stock,
      ledger,
      settings,
      db,
      askSibling: (shard) => siblings.giveBack(shard),
    }),
    announcer,
    outbox: new Outbox({ ledger, redemptions, settings, announcer, db }),
    tally: new Tally({ sql, ledger, redemptions, stock, settings }),
    sweeps: new Sweeps({ storage, alarm, requests, personalData, announcer }),
  };
}
