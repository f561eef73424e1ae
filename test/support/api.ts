/** A caller of the API that knows only fetch: the same tests can run in workerd and over TCP. */

export interface Target {
  fetch: (path: string, init?: RequestInit) => Promise<Response>;
  operatorToken: string;
  /** Is shown the text of every answer. */
  onAnswer?: (text: string) => void;
}

export interface Answer<Body = Record<string, unknown>> {
  status: number;
  headers: Headers;
  text: string;
  body: Body;
}

export interface Brand {
  id: string;
  slug: string;
  secret: string;
  publishable: string;
}

export interface ClaimBody {
  id: string;
  campaign_id: string;
  code: string;
  user_id: string;
  status: string;
  expires_at: string | null;
}

export interface IntegrityBody {
  ok: boolean;
  codes: number;
  available: number;
  leased: number;
  claimed: number;
  duplicate_codes: number;
  duplicate_users: number;
  stranded: number;
  unprojected: number;
}

let made = 0;

/** A name that no other test of this run uses. */
export function unique(word: string): string {
  made += 1;
  return `${word}-${Date.now().toString(36)}-${made}`;
}

/** Of a feed, which goes on; the rest is not waited for. */
export async function firstEvent(response: Response): Promise<string> {
  const reader = response.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value as Uint8Array | undefined);
}

export class Api {
  readonly #target: Target;

  constructor(target: Target) {
    this.#target = target;
  }

  /** `route` is the method and the path; a body becomes JSON. */
  async send<Body = Record<string, unknown>>(
    bearer: string | null,
    route: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<Body>> {
    const blank = route.indexOf(" ");
    const [method, path] = [route.slice(0, blank), route.slice(blank + 1)];
    const init: RequestInit = { method, headers: { ...headers } };
    if (bearer !== null)
      Object.assign(init.headers as object, { Authorization: `Bearer ${bearer}` });
    if (body !== undefined) {
      init.body = typeof body === "string" ? body : JSON.stringify(body);
      init.headers = { "Content-Type": "application/json", ...(init.headers as object) };
    }
    const response = await this.#target.fetch(path, init);
    const isFeed = response.headers.get("Content-Type") === "text/event-stream";
    const text = await (isFeed ? firstEvent(response) : response.text());
    this.#target.onAnswer?.(text);
    const isJson = /\bjson\b/.test(response.headers.get("Content-Type") ?? "");
    return {
      status: response.status,
      headers: response.headers,
      text,
      body: (isJson ? JSON.parse(text) : null) as Body,
    };
  }

  async operator<Body = Record<string, unknown>>(
    route: string,
    body?: unknown,
  ): Promise<Answer<Body>> {
    return this.send<Body>(this.#target.operatorToken, route, body);
  }

  async newBrand(): Promise<Brand> {
    const slug = unique("brand");
    const { body } = await this.operator<Brand & { keys: Pick<Brand, "secret" | "publishable"> }>(
      "POST /v1/brands",
      { name: slug, slug },
    );
    return { id: body.id, slug, ...body.keys };
  }

  /** A campaign of the brand with `codes` codes; its id. */
  async newCampaign(brand: Brand, codes: number, fields: object = {}): Promise<string> {
    const created = await this.send<{ id: string }>(brand.secret, "POST /v1/campaigns", {
      name: unique("campaign"),
      ...fields,
    });
    if (created.status !== 201) throw new Error(`No campaign: ${created.text}`);
    if (codes > 0) await this.addCodes(brand, created.body.id, codes);
    return created.body.id;
  }

  async addCodes(brand: Brand, campaign: string, count: number): Promise<void> {
    const batch = await this.send(brand.secret, `POST /v1/campaigns/${campaign}/batches`, {
      count,
    });
    if (batch.status !== 201) throw new Error(`No batch: ${batch.text}`);
  }

  async claim(
    brand: Brand,
    campaign: string,
    userId: string,
    headers: Record<string, string> = {},
  ): Promise<Answer<ClaimBody>> {
    const body = { user: { id: userId } };
    return this.send<ClaimBody>(
      brand.secret,
      `POST /v1/campaigns/${campaign}/claims`,
      body,
      headers,
    );
  }

  async integrity(brand: Brand, campaign: string): Promise<IntegrityBody> {
    const answer = await this.send<IntegrityBody>(
      brand.secret,
      `GET /v1/campaigns/${campaign}/integrity`,
    );
    if (answer.status !== 200) throw new Error(`No integrity: ${answer.text}`);
    return answer.body;
  }

  /** Every row of a list, page by page. */
  async listAll<Row>(bearer: string, path: string, limit = 100): Promise<Row[]> {
    const rows: Row[] = [];
    let cursor: string | null = null;
    do {
      const separator = path.includes("?") ? "&" : "?";
      const next: string = cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`;
      const page: Answer<{ data: Row[]; next_cursor: string | null }> = await this.send(
        bearer,
        `GET ${path}${separator}limit=${limit}${next}`,
      );
      if (page.status !== 200) throw new Error(`No page: ${page.text}`);
      rows.push(...page.body.data);
      cursor = page.body.next_cursor;
    } while (cursor !== null);
    return rows;
  }
}
