import { Center, Loader, MantineProvider } from "@mantine/core";
import { Notifications } from "@mantine/notifications";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo } from "react";
import { Route, Routes } from "react-router";
import { Page, Product } from "../components/page.tsx";
import { ErrorBox } from "../components/states.tsx";
import { cssVariables } from "../theme.ts";
import { themeWith } from "./accent.ts";
import { DeliveryPage } from "./delivery-page.tsx";
import { EndpointPage } from "./endpoint-page.tsx";
import { Header } from "./header.tsx";
import { NoLink } from "./no-link.tsx";
import classes from "./portal.module.css";
import { portalQuery, useFreshness } from "./session.ts";

interface PortalProps {
  nonce: string;
  /** It was opened by a link. */
  linked: boolean;
}

/** The partner view: some endpoints of an account, by a link, and nothing else. */
export function Portal({ nonce, linked }: PortalProps) {
  const { data } = useQuery({ ...portalQuery, enabled: linked });
  const accent = data?.theme.accent;
  const theme = useMemo(() => themeWith(accent), [accent]);
  return (
    <MantineProvider
      theme={theme}
      cssVariablesResolver={cssVariables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <Notifications position="bottom-right" limit={4} />
      <Product value={data?.theme.title ?? "Webhooks"}>
        {linked ? <Linked /> : <NoLink opened={false} />}
      </Product>
    </MantineProvider>
  );
}

function Linked() {
  const session = useQuery(portalQuery);
  if (session.isPending) {
    return (
      <Center mih="100vh">
        <Loader size="sm" aria-label="Loading" />
      </Center>
    );
  }
  if (session.isError) {
    return (
      <Center mih="100vh" p="md" component="main">
        <ErrorBox error={session.error} retry={() => void session.refetch()} />
      </Center>
    );
  }
  return session.data === null ? <NoLink opened /> : <Pages />;
}

function Pages() {
  useFreshness(useQueryClient());
  return (
    <>
      <a className="rb-skip" href="#main" onClick={focusMain}>
        Skip to the page
      </a>
      <Header />
      <main id="main" tabIndex={-1} className={classes.main}>
        <div className={classes.page}>
          <Routes>
            <Route index element={<EndpointPage />} />
            <Route path="deliveries/:id" element={<DeliveryPage />} />
            <Route
              path="*"
              element={
                <Page title="There is no such page" back={{ to: "/", label: "Deliveries" }}>
                  Choose another one.
                </Page>
              }
            />
          </Routes>
        </div>
      </main>
    </>
  );
}

/** A change of what is behind the `#` would be taken for another link. */
function focusMain(event: { preventDefault(): void }): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
