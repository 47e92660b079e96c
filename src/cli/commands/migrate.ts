import { ConfigError, readConfig } from "../../config.ts";
import { migrate } from "../../db/migrate.ts";
import { openDatabase } from "../../server/database.ts";

/** `ringback migrate` */
export async function runMigrations(): Promise<void> {
  const { config, secrets } = readConfig();
  if (config.development) {
    throw new ConfigError(
      "ringback migrate works on DATABASE_URL; set it (serve migrates by itself)",
    );
  }
  const database = await openDatabase(config, secrets);
  await migrate(database.url);
  console.log("The database is up to date.");
}
