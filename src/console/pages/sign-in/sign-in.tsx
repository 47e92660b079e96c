import { Box, Button, Center, Code, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useDocumentTitle } from "@mantine/hooks";
import { useSignIn } from "../../api/session.ts";
import { Logo } from "../../components/logo.tsx";
import { ErrorBox } from "../../components/states.tsx";

export function SignIn() {
  useDocumentTitle("Sign in · Ringback");
  const signIn = useSignIn();
  const form = useForm({
    initialValues: { key: "" },
    validate: {
      key: (key) => (/^rk_\S+$/.test(key.trim()) ? null : "An API key begins with rk_"),
    },
  });
  return (
    <Center mih="100vh" p="md" bg="var(--rb-sunken)" component="main">
      <Box className="rb-card" p="xl" w="100%" maw={400}>
        <form onSubmit={form.onSubmit(({ key }) => signIn.mutate(key.trim()))}>
          <Stack gap="md">
            <Logo />
            <div>
              <Title order={1}>Sign in</Title>
              <Text size="sm" c="dimmed">
                With an API key of your account. It is checked by the server and not kept in the
                browser.
              </Text>
            </div>
            <PasswordInput
              label="API key"
              placeholder="rk_…"
              autoComplete="current-password"
              size="sm"
              autoFocus
              visibilityToggleButtonProps={{ "aria-label": "Show the key" }}
              {...form.getInputProps("key")}
            />
            {signIn.isError && <ErrorBox error={signIn.error} />}
            <Button type="submit" size="sm" loading={signIn.isPending}>
              Sign in
            </Button>
            <Text size="xs" c="dimmed">
              Started with <Code>npm start</Code>? The key is in <Code>.ringback/api-key</Code>, and
              was printed at the start.
            </Text>
          </Stack>
        </form>
      </Box>
    </Center>
  );
}
