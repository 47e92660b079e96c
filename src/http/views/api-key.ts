import { formatId } from "../../core/ids.ts";
import type { ApiKey } from "../../db/accounts/api-keys.ts";
import type { ApiKeyBody } from "../schemas/api-key.ts";
import { isoTime } from "./common.ts";

export function apiKeyView(key: ApiKey, currentId: string): ApiKeyBody {
  const { id, endpoint_ids, created_at, last_used_at, revoked_at, ...rest } = key;
  return {
    id: formatId("key", id),
    ...rest,
    endpoint_ids: endpoint_ids?.map((one) => formatId("endpoint", one)) ?? null,
    created_at: isoTime(created_at),
    last_used_at: isoTime(last_used_at),
    revoked_at: isoTime(revoked_at),
    current: id === currentId,
  };
}
