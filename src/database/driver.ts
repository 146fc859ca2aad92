import { type Configuration } from '@mikro-orm/core';
import { PostgreSqlConnection, PostgreSqlDriver } from '@mikro-orm/postgresql';
import type { DatabaseConnection, Driver, PostgresDialect } from 'kysely';

/**
 * A connection that always goes back to the pool. kysely keeps it for good when BEGIN fails, or when ROLLBACK fails
 * after the backend died: two killed backends emptied a pool of two (kysely#1990).
 */
class ReturningConnection extends PostgreSqlConnection {
  override createKyselyDialect(overrides: Parameters<PostgreSqlConnection['createKyselyDialect']>[0]): PostgresDialect {
    const dialect = super.createKyselyDialect(overrides);
    const createDriver = dialect.createDriver.bind(dialect);
    dialect.createDriver = () => returnOnFailure(createDriver());
    return dialect;
  }
}

function returnOnFailure(driver: Driver): Driver {
  const begin = driver.beginTransaction.bind(driver);
  const rollback = driver.rollbackTransaction.bind(driver);
  driver.beginTransaction = async (connection: DatabaseConnection, settings) => {
    try {
      await begin(connection, settings);
    } catch (error) {
      await driver.releaseConnection(connection);
      throw error;
    }
  };
  driver.rollbackTransaction = async (connection: DatabaseConnection) => {
    // The server has rolled back already when the backend is gone; the error that led here is the one to tell.
    await rollback(connection).catch(() => undefined);
  };
  return driver;
}

/** MikroORM's PostgreSQL driver on connections that survive a restart of the server under load. */
export class TenonDriver extends PostgreSqlDriver {
  protected override readonly connection: ReturningConnection;

  constructor(config: Configuration) {
    super(config);
    this.connection = new ReturningConnection(config);
  }
}
