import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, it } from "vitest";
import { Stock } from "../../src/code-pool/stock.ts";
import { unique } from "../support/api.ts";

/** The stock of a new pool, and how many statements it has run. */
async function withStock(work: (stock: Stock, ran: () => number) => void): Promise<void> {
  const pool = env.CODE_POOL.getByName(`${unique("stock")}/0`);
  await runInDurableObject(pool, (_pool, { storage }) => {
    let statements = 0;
    const sql = new Proxy(storage.sql, {
      get(real, property) {
        if (property === "exec") statements += 1;
        const value: unknown = Reflect.get(real, property);
        return typeof value === "function" ? (value.bind(real) as unknown) : value;
      },
    });
    work(new Stock(sql), () => statements);
  });
}

/** Leases a block, of which the codes that begin with w are withdrawn. */
function lease(stock: Stock, batchId: string, codes: string[]): void {
  const { leaseId } = stock.planLease(() => ({ leaseId: unique("lease"), size: codes.length }));
  const withdrawn = [...codes.keys()].filter((i) => codes[i]?.startsWith("w"));
  stock.store({ id: leaseId, batchId, fromOrdinal: 0, codes, withdrawn });
}

it("a stock of withdrawn codes is searched once, not for every claim", async () => {
  await withStock((stock, ran) => {
    for (let i = 0; i < 50; i++) lease(stock, `bat_${i}`, ["w1", "w2"]);
    expect(stock.next(0)).toBeNull();
    let before = ran();
    expect(stock.next(0)).toBeNull();
    expect(ran() - before).toBe(1);
    lease(stock, "bat_new", ["w1", "good", "w2", "next"]);
    expect(stock.next(0)).toMatchObject({ slot: 102, code: "good", behind: 2 });
    before = ran();
    expect(stock.next(0)).toMatchObject({ slot: 102, code: "good" });
    expect(ran() - before).toBe(1);
    stock.withdraw({ batchId: "bat_new", ordinal: 1 }, null);
    expect(stock.next(0)).toMatchObject({ slot: 104, code: "next", behind: 0 });
    expect(stock.next(104)).toBeNull();
  });
});

it("a code that takes the slot of one that was given back is found", async () => {
  await withStock((stock) => {
    lease(stock, "bat_1", ["w1", "w2", "w3", "w4"]);
    expect(stock.next(0)).toBeNull();
    expect(stock.takeBack(0, 4, "lse_back")).toMatchObject({ size: 4, kept: 2 });
    lease(stock, "bat_2", ["good"]);
    expect(stock.next(0)).toMatchObject({ slot: 3, code: "good" });
  });
});
