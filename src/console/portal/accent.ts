import { createTheme, type MantineColorsTuple, type MantineThemeOverride } from "@mantine/core";
import { theme } from "../theme.ts";

type Rgb = readonly [number, number, number];

const WHITE: Rgb = [255, 255, 255];
const BLACK: Rgb = [0, 0, 0];
/** The cards of the dark scheme; see `--rb-surface`. */
const DARK_SURFACE: Rgb = [0x1b, 0x1f, 0x25];
/** A little more than the 4.5 to 1 that text needs: it also stands on tinted surfaces. */
const READABLE = 5.2;

/** The theme with a partner's colour, made darker or lighter until text in it can be read. */
export function themeWith(accent: string | undefined): MantineThemeOverride {
  if (accent === undefined) return theme;
  const colour = parse(accent);
  const dark = towards(colour, BLACK, WHITE);
  const light = towards(colour, WHITE, DARK_SURFACE);
  const shades = [
    ...[0.93, 0.84, 0.66, 0.4].map((share) => mix(light, WHITE, share)),
    light,
    ...[0.3, 0.2, 0.1].map((share) => mix(dark, WHITE, share)),
    dark,
    mix(dark, BLACK, 0.2),
  ].map(format) as unknown as MantineColorsTuple;
  return createTheme({
    ...theme,
    colors: { ...theme.colors, accent: shades },
    primaryColor: "accent",
  });
}

/** The colour, with as little of another one as lets it be read on a surface. */
function towards(colour: Rgb, other: Rgb, surface: Rgb): Rgb {
  for (let share = 0; share < 1; share += 0.02) {
    const mixed = mix(colour, other, share);
    if (contrast(mixed, surface) >= READABLE) return mixed;
  }
  return other;
}

function mix(one: Rgb, other: Rgb, share: number): Rgb {
  const at = (index: 0 | 1 | 2): number =>
    Math.round(one[index] * (1 - share) + other[index] * share);
  return [at(0), at(1), at(2)];
}

/** As WCAG 2 defines it. */
function contrast(one: Rgb, other: Rgb): number {
  const [low, high] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (high! + 0.05) / (low! + 0.05);
}

function luminance(colour: Rgb): number {
  const [red, green, blue] = colour.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
}

function parse(hex: string): Rgb {
  const number = parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

function format(colour: Rgb): string {
  return `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
