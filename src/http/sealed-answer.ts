/**
 * Answers as they are kept. They may hold keys, so they are sealed by what only the caller has: the
 * bearer credential and the Idempotency-Key. Neither is stored, so what is kept tells nothing.
 */

const encoder = new TextEncoder();

const IV_BYTES = 12;
const KEY_BITS = 256;

export class Seal {
  readonly #cipher: CryptoKey;
  readonly #mac: CryptoKey;

  private constructor(cipher: CryptoKey, mac: CryptoKey) {
    this.#cipher = cipher;
    this.#mac = mac;
  }

  static async of(bearer: string, idempotencyKey: string): Promise<Seal> {
    const secret = encoder.encode(bearer);
    const from = await crypto.subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
    const derive = (purpose: string) =>
      crypto.subtle.deriveBits(
        {
          name: "HKDF",
          hash: "SHA-256",
          salt: encoder.encode(idempotencyKey),
          info: encoder.encode(`codedrop idempotency ${purpose}`),
        },
        from,
        KEY_BITS,
      );
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const uses = ["encrypt", "decrypt"] as const;
    const [cipher, mac] = await Promise.all([
      crypto.subtle.importKey("raw", await derive("answer"), "AES-GCM", false, [...uses]),
      crypto.subtle.importKey("raw", await derive("fingerprint"), hmac, false, ["sign"]),
    ]);
    return new Seal(cipher, mac);
  }

  /** A keyed hash: who has only the hash cannot try out what it is of. */
  async fingerprint(text: string): Promise<string> {
    const digest = await crypto.subtle.sign("HMAC", this.#mac, encoder.encode(text));
    return new Uint8Array(digest).toHex();
  }

  /** Base64 of a new IV and the ciphertext, which opens for the same `scope` only. */
  async close(text: string, scope: string): Promise<string> {
    const iv = crypto.getRandomValues(new Uint8Array(IV_BYTES));
    const algorithm = { name: "AES-GCM", iv, additionalData: encoder.encode(scope) };
    const sealed = await crypto.subtle.encrypt(algorithm, this.#cipher, encoder.encode(text));
    const bytes = new Uint8Array(IV_BYTES + sealed.byteLength);
    bytes.set(iv);
    bytes.set(new Uint8Array(sealed), IV_BYTES);
    return bytes.toBase64();
  }

  async open(sealed: string, scope: string): Promise<string> {
    const bytes = Uint8Array.fromBase64(sealed);
    const iv = bytes.subarray(0, IV_BYTES);
    const algorithm = { name: "AES-GCM", iv, additionalData: encoder.encode(scope) };
    const text = await crypto.subtle.decrypt(algorithm, this.#cipher, bytes.subarray(IV_BYTES));
    return new TextDecoder().decode(text);
  }
}
