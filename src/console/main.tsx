import { MantineProvider } from "@mantine/core";
import "./mantine.css";
import { Notifications } from "@mantine/notifications";
import "@mantine/notifications/styles.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { RingbackError, onSignedOut } from "./api/client.ts";
import { forget } from "./api/session.ts";
import { App } from "./app.tsx";
import { readNonce } from "./nonce.ts";
import { cssVariables, theme } from "./theme.ts";
import "./global.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // what the server refused it will refuse again
      retry: (failures, error) =>
        failures < 2 && !(error instanceof RingbackError && (error.status ?? 500) < 500),
    },
  },
});

onSignedOut(() => forget(client));
const nonce = readNonce();

createRoot(document.getElementById("root")!).render(
  <MantineProvider
    theme={theme}
    cssVariablesResolver={cssVariables}
    defaultColorScheme="auto"
    getStyleNonce={() => nonce}
  >
    <Notifications position="bottom-right" limit={4} />
    <QueryClientProvider client={client}>
      <BrowserRouter basename="/console">
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </MantineProvider>,
);
