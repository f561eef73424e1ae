/**
 * Parts of drizzle as the bundle has them (see [alias] in wrangler.toml): relational queries
 * (`db.query`) and the columns that are made by a callback are used by nobody here, and what asks
 * for a PostgreSQL enum need not bring PostgreSQL along.
 */

function none() {
  throw new Error("This part of drizzle is not in the bundle: see src/db/bundled/");
}

export const isPgEnum = () => false;

class None {
  constructor() {
    none();
  }
}

export {
  None as Many,
  None as One,
  None as RelationalQueryBuilder,
  none as createTableRelationsHelpers,
  none as extractTablesRelationalConfig,
  none as getOperators,
  none as getOrderByOperators,
  none as getSQLiteColumnBuilders,
  none as normalizeRelation,
};
