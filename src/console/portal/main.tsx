import "../mantine.css";
import "@mantine/notifications/styles.css";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { onSignedOut, RingbackError, setBearer } from "../api/client.ts";
import { readNonce } from "../nonce.ts";
import "../global.css";
import { Portal } from "./portal.tsx";
import { endSession } from "./session.ts";
import { takeToken } from "./token.ts";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (failures, error) =>
        failures < 2 && !(error instanceof RingbackError && (error.status ?? 500) < 500),
    },
  },
});

const token = takeToken();
if (token !== null) setBearer(token);
onSignedOut(() => endSession(client));
// another link, opened in the same tab
window.addEventListener("hashchange", () => window.location.reload());

createRoot(document.getElementById("root")!).render(
  <QueryClientProvider client={client}>
    <BrowserRouter basename="/portal">
      <Portal nonce={readNonce()} linked={token !== null} />
    </BrowserRouter>
  </QueryClientProvider>,
);
