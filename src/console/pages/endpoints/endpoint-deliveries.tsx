import { Anchor, Group } from "@mantine/core";
import { Link } from "react-router";
import { useDeliveries } from "../../api/deliveries.ts";
import { DELIVERY_COLUMNS } from "../../components/delivery-columns.tsx";
import { ListCard } from "../../components/list-card.tsx";
import { Empty } from "../../components/states.tsx";
import { useView } from "../../components/use-view.ts";

const COLUMNS = DELIVERY_COLUMNS.filter(({ id }) => id !== "url");

export function EndpointDeliveries({ id }: { id: string }) {
  const { cursor } = useView([]);
  const query = { endpoint_id: id, cursor: cursor.value, limit: 25 };
  const deliveries = useDeliveries(() => query, query);
  return (
    <ListCard
      label="Deliveries of this endpoint"
      query={deliveries}
      columns={COLUMNS}
      href={(delivery) => `/deliveries/${delivery.id}`}
      cursor={cursor}
      filters={
        <Group px="md" py="xs">
          <Anchor component={Link} to={`/deliveries?endpoint_id=${id}`} size="sm">
            Filter them
          </Anchor>
        </Group>
      }
      empty={
        <Empty title="Nothing was sent here yet">Send a test event to see that it works.</Empty>
      }
    />
  );
}
