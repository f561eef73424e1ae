/** What signs a brand's webhooks, in the form that Standard Webhooks gives it. */

/** As long as HMAC-SHA256's own output; the standard has 24–64. */
export const WEBHOOK_SECRET_BYTES = 32;

/** `random` is the key; its base 64, padding included, is what receivers decode. */
export function formatWebhookSecret(random: Uint8Array): string {
  return `whsec_${btoa(String.fromCharCode(...random))}`;
}
