import { createTheme, type CSSVariablesResolver } from "@mantine/core";

export const theme = createTheme({
  colors: {
    // a little blue, like the surfaces
    dark: [
      "#d5dae1",
      "#b9c0ca",
      "#8b95a1",
      "#6a7480",
      "#3d4550",
      "#2c323b",
      "#21262e",
      "#171a20",
      "#111419",
      "#0c0e12",
    ],
  },
  primaryColor: "indigo",
  primaryShade: { light: 8, dark: 8 },
  defaultRadius: "md",
  cursorType: "pointer",
  respectReducedMotion: true,
  fontFamily:
    'Inter, ui-sans-serif, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif',
  fontFamilyMonospace:
    'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace',
  fontSizes: { xs: "0.75rem", sm: "0.8125rem", md: "0.875rem", lg: "1rem", xl: "1.125rem" },
  headings: {
    fontWeight: "600",
    sizes: {
      h1: { fontSize: "1.25rem", lineHeight: "1.4" },
      h2: { fontSize: "0.9375rem", lineHeight: "1.4" },
      h3: { fontSize: "0.875rem", lineHeight: "1.4" },
    },
  },
  components: {
    Tooltip: { defaultProps: { withArrow: true, openDelay: 200, fz: "xs" } },
    Button: { defaultProps: { size: "xs" } },
    Modal: { defaultProps: { centered: true, overlayProps: { backgroundOpacity: 0.45 } } },
    // else each dialog's head counts as one more head of the page
    ModalHeader: { defaultProps: { role: "presentation" } },
    Skeleton: { defaultProps: { radius: "sm" } },
  },
});

/** Text that is less important must be readable too: 4.5 to 1 on every surface. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#58626e",
    "--mantine-color-placeholder": "#68727e",
    "--mantine-color-body": "#ffffff",
    "--mantine-color-text": "#1c2128",
    "--mantine-color-default-border": "#d9dee4",
    "--mantine-color-error": "#b42318",
    "--mantine-color-red-outline": "#b42318",
    "--mantine-color-yellow-outline": "#875000",
  },
  dark: {
    "--mantine-color-dimmed": "#9da7b3",
    "--mantine-color-placeholder": "#8b95a1",
    "--mantine-color-body": "#15181d",
    "--mantine-color-text": "#e3e7ec",
    "--mantine-color-default": "#1d2127",
    "--mantine-color-default-hover": "#262b33",
    "--mantine-color-default-border": "#333a44",
    "--mantine-color-error": "#ff8f85",
  },
});
