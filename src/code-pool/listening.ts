/** What the pools of a campaign say of themselves, as it changes: over one socket to each. */

import type { CampaignRow } from "../db/campaigns.ts";
import { poolName } from "../domain/claim.ts";
import type { PoolNews } from "./messages.ts";
import { callObject, PoolOverloadedError } from "../objects/call.ts";
import type { PoolTally } from "./tally.ts";

/** Sockets opened at a time: the platform lets 6 calls wait for an answer at once. */
const POOLS_AT_ONCE = 6;
export class Listening {
  readonly #env: Env;
  readonly #campaign: Pick<CampaignRow, "id" | "shards">;
  readonly #onNews: () => void;
  readonly #reconnectMs: readonly number[];
  readonly #sockets = new Map<number, WebSocket>();
  readonly #tallies = new Map<number, PoolTally>();
  #isClosed = false;
  /** Whether codes were added or revoked since somebody set it to false. */
  isStockNews = true;
  /** Whether a pool was lost for good. */
  hasLost = false;

  constructor(options: {
    env: Env;
    campaign: Pick<CampaignRow, "id" | "shards">;
    onNews: () => void;
    /** Waits before a lost socket is opened again. */
    reconnectMs: readonly number[];
  }) {
    this.#env = options.env;
    this.#campaign = options.campaign;
    this.#onNews = options.onNews;
    this.#reconnectMs = options.reconnectMs;
  }

  /** What each pool said last. */
  tallies(): PoolTally[] {
    return [...this.#tallies.values()];
  }

  /** Resolves when every pool has said how it stands; rejects, and closes, when one does not. */
  async open(): Promise<void> {
    const waiting = Array.from({ length: this.#campaign.shards }, (_, shard) => shard).values();
    const openers = Array.from({ length: POOLS_AT_ONCE }, async () => {
      for (const shard of waiting) await this.#connect(shard);
    });
    try {
      await Promise.all(openers);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#isClosed = true;
    for (const socket of this.#sockets.values()) socket.close(1000);
    this.#sockets.clear();
  }

  async #connect(shard: number): Promise<void> {
    const name = poolName(this.#campaign.id, shard);
    const { webSocket: socket } = await callObject(
      () => this.#env.CODE_POOL.getByName(name),
      (pool) => pool.fetch("https://pool/", { headers: { Upgrade: "websocket" } }),
    );
    if (socket === null) throw new PoolOverloadedError("too many watch it");
    socket.accept();
    if (this.#isClosed) return socket.close(1000);
    this.#sockets.set(shard, socket);
    await new Promise<void>((resolve, reject) => {
      let hasSpoken = false;
      socket.addEventListener("message", ({ data }) => {
        hasSpoken = true;
        this.#hear(shard, JSON.parse(String(data)) as PoolNews);
        resolve();
      });
      const lose = () => {
        if (this.#sockets.get(shard) !== socket) return;
        this.#sockets.delete(shard);
        if (hasSpoken) void this.#reconnect(shard);
        else reject(new PoolOverloadedError("lost"));
      };
      socket.addEventListener("close", lose);
      socket.addEventListener("error", lose);
    });
  }

  #hear(shard: number, { tally, isStockNews }: PoolNews): void {
    this.#tallies.set(shard, tally);
    this.isStockNews ||= isStockNews;
    this.#onNews();
  }

  async #reconnect(shard: number): Promise<void> {
    for (const waitMs of this.#reconnectMs) {
      await scheduler.wait(waitMs * (0.5 + Math.random()));
      if (this.#isClosed) return;
      try {
        await this.#connect(shard);
        // Nobody knows what was said meanwhile.
        this.isStockNews = true;
        return this.#onNews();
      } catch (error) {
        console.warn({ message: "A pool was not reached", shard, error: String(error) });
      }
    }
    this.hasLost = true;
    this.#onNews();
  }
}
