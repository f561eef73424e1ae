/** Who may say, by signed tokens, who a brand's users are. */

interface Expected {
  /** What a token's `iss` must be. */
  issuer: string;
  /** What must be, or be among, a token's `aud`. */
  audience: string;
}

/** Signed by a key of the issuer's, whose public half is read at `jwksUrl`. */
export interface IssuerIdentity extends Expected {
  jwksUrl: string;
}

/** Signed by the brand's own server, with a secret that it has from us. */
export interface SharedSecretIdentity extends Expected {
  algorithm: "HS256";
  /** The UTF-8 bytes of this text are the key. */
  secret: string;
}

export type Identity = IssuerIdentity | SharedSecretIdentity;
