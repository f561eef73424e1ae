/** Which currencies there are. */

/**
 * ISO 4217's, as the runtime has them, some that were withdrawn included, with those that it may
 * lack: units of account that prices are stated in, and currencies newer than its data. A list of
 * our own would refuse orders in the next new currency until somebody released it here.
 */
const CURRENCIES = new Set([
  ...Intl.supportedValuesOf("currency"),
  ..."BOV CHE CHW CLF COU MXV SLE USN UYI UYW VED XCG ZWG".split(" "),
]);

export function isCurrency(code: string): boolean {
  return CURRENCIES.has(code);
}
