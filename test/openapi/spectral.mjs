/**
 * Spectral's rules: its own for OpenAPI and OWASP's, all of them but where a sentence here says why
 * not. Bundled and run by Spectral itself.
 */

// A rule of Spectral's has a field of that name.
/* oxlint-disable unicorn/no-thenable */

import { truthy } from "@stoplight/spectral-functions";
import owasp from "@stoplight/spectral-owasp-ruleset";
import { oas } from "@stoplight/spectral-rulesets";

/** The whole operation, because only its security says whether a page may call it. */
function pagesGetCors({ security = [], responses = {} }) {
  if (!security.some((entry) => "publishableKey" in entry)) return [];
  return Object.entries(responses)
    .filter(([, { headers }]) => headers?.["Access-Control-Allow-Origin"] === undefined)
    .map(([status]) => ({
      message: "A page needs Access-Control-Allow-Origin to read this.",
      path: ["responses", status],
    }));
}

/** Places in components of the document. */
const schemas = (...places) => places.map((place) => `**#/components/schemas/${place}`);

/** A path of the document and what is in it, as a JSON pointer within a URL has them. */
function path(template, place = "") {
  const escaped = template.replaceAll("/", "~1").replaceAll("{", "%7B").replaceAll("}", "%7D");
  return `**#/paths/${escaped}${place}`;
}

export default {
  extends: [oas, owasp],
  rules: {
    // Only pages are answered with CORS: servers' calls have none, so that no page can make them.
    "owasp:api8:2023-define-cors-origin": {
      severity: "error",
      given: "$.paths[*][get,put,post,delete,patch]",
      then: { function: pagesGetCors },
    },
    // A quota is told by whoever met it, with the 429: Cloudflare's limiters count, and do not tell.
    "owasp:api4:2023-rate-limit": {
      severity: "error",
      given: "$.paths[*]..responses[429].headers",
      then: [
        { field: "RateLimit", function: truthy },
        { field: "RateLimit-Policy", function: truthy },
      ],
    },
    // It looks for scopes in OAuth's flows. OpenAPI 3.1 lets any scheme name the roles it needs.
    "oas3-operation-security-defined": "off",
  },
  overrides: [
    {
      // For anybody, and limited by nothing but the platform: health checks come from everywhere.
      files: [path("/healthz"), path("/readyz"), path("/problems/{slug}")],
      rules: {
        "owasp:api2:2023-read-restricted": "off",
        "owasp:api4:2023-rate-limit-responses-429": "off",
        "owasp:api8:2023-define-error-responses-401": "off",
      },
    },
    {
      // Each rollback makes a code good for one more redemption, and nothing limits how often.
      files: schemas("CodeHistory/properties/history", "UserInCampaign/properties/redemptions"),
      rules: { "owasp:api4:2023-array-limit": "off" },
    },
    {
      // Any text: notes of the brand's own, what others wrote or answered, names of unknown fields.
      files: [
        ...schemas(
          "AuditEntry/properties/fields",
          "Campaign/properties/metadata",
          "CampaignUpdate/properties/metadata",
          "Claim/properties/contact/properties/attributes",
          "Delivery/properties/attempts",
          "Event/anyOf/0/properties/data/properties/contact/properties/attributes",
          "NewCampaign/properties/metadata",
          "NewClaim/properties/challenge_token",
          "NewClaim/properties/user/properties/attributes",
          "Problem/properties/errors/items/properties/pointer",
        ),
        path("/v1/campaigns/{campaign}/imports", "/post/requestBody"),
        "**#/webhooks/claim.created/post/requestBody",
      ],
      rules: { "owasp:api4:2023-string-restricted": "off" },
    },
  ],
};
