/**
 * Parts of Hono as the bundle has them (see [alias] in wrangler.toml): nobody here takes forms or
 * cookies, or mounts another framework's app.
 */

function none() {
  throw new Error("This part of Hono is not in the bundle: see src/http/bundled/");
}

export { none as createMountedRequest, none as getCookie, none as parseBody };
