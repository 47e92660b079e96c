import { Center, Loader } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Component, lazy, Suspense, type ReactNode } from "react";
import { Navigate, Outlet, Route, Routes, useLocation } from "react-router";
import { sessionQuery, useMay } from "./api/session.ts";
import type { Scope } from "../core/model.ts";
import { sufficientScopes } from "../core/scopes.ts";
import { Shell } from "./components/shell.tsx";
import { Page } from "./components/page.tsx";
import { ErrorBox, Loading } from "./components/states.tsx";
import { SignIn } from "./pages/sign-in/sign-in.tsx";

const Overview = lazy(() => import("./pages/overview/overview.tsx"));
const JobList = lazy(() => import("./pages/jobs/job-list.tsx"));
const JobPage = lazy(() => import("./pages/jobs/job-page.tsx"));
const JobDraft = lazy(() => import("./pages/jobs/new-job.tsx"));
const EventList = lazy(() => import("./pages/events/event-list.tsx"));
const EventPage = lazy(() => import("./pages/events/event-page.tsx"));
const DeliveryList = lazy(() => import("./pages/deliveries/delivery-list.tsx"));
const DeliveryPage = lazy(() => import("./pages/deliveries/delivery-page.tsx"));
const FailedJobs = lazy(() => import("./pages/jobs/failed-jobs.tsx"));
const ReplayPage = lazy(() => import("./pages/dead-letters/replay-page.tsx"));
const DeadLetters = lazy(() => import("./pages/dead-letters/dead-letters.tsx"));
const EndpointList = lazy(() => import("./pages/endpoints/endpoint-list.tsx"));
const EndpointPage = lazy(() => import("./pages/endpoints/endpoint-page.tsx"));
const NewEndpoint = lazy(() => import("./pages/endpoints/new-endpoint.tsx"));
const Settings = lazy(() => import("./pages/settings/settings.tsx"));

export function App() {
  const session = useQuery(sessionQuery);
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
  return session.data === null ? <SignIn /> : <SignedIn />;
}

function SignedIn() {
  const { pathname } = useLocation();
  return (
    <Shell>
      <Boundary key={pathname}>
        <Suspense fallback={<Loading />}>
          <Routes>
            <Route index element={<Overview />} />
            <Route element={<Needs scope="jobs:read" />}>
              <Route path="jobs" element={<JobList />} />
              <Route path="jobs/failed" element={<FailedJobs />} />
              <Route path="jobs/:id" element={<JobPage />} />
            </Route>
            <Route element={<Needs scope="jobs" />}>
              <Route path="jobs/new" element={<JobDraft />} />
            </Route>
            <Route element={<Needs scope="webhooks" />}>
              <Route path="endpoints/new" element={<NewEndpoint />} />
            </Route>
            <Route element={<Needs scope="webhooks:read" />}>
              <Route path="events" element={<EventList />} />
              <Route path="events/:id" element={<EventPage />} />
              <Route path="deliveries" element={<DeliveryList />} />
              <Route path="deliveries/:id" element={<DeliveryPage />} />
              <Route path="dead-letters" element={<DeadLetters />} />
              <Route path="replays/:id" element={<ReplayPage />} />
              <Route path="endpoints" element={<EndpointList />} />
              <Route path="endpoints/:id" element={<EndpointPage />} />
              <Route path="settings" element={<Settings />} />
            </Route>
            <Route path="sign-in" element={<Navigate to="/" replace />} />
            <Route
              path="*"
              element={<Page title="There is no such page">Choose another one.</Page>}
            />
          </Routes>
        </Suspense>
      </Boundary>
    </Shell>
  );
}

/** The pages below are for keys with this scope. */
function Needs({ scope }: { scope: Scope }) {
  if (useMay(scope)) return <Outlet />;
  return (
    <Page title="Not allowed">
      This needs an API key with scope {sufficientScopes([scope]).join(" or ")}. Sign out, and in
      again with such a key.
    </Page>
  );
}

/** Keeps the rest of the console usable when one page fails. */
class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: null };

  static getDerivedStateFromError(error: unknown): { error: unknown } {
    return { error };
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === null) return this.props.children;
    // a page's code is gone after an upgrade of the server: the reload fetches the new one
    return <ErrorBox error={error} retry={() => window.location.reload()} />;
  }
}
