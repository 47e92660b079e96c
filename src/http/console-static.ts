import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Router, type Request, type Response } from "express";
import { Problem } from "../core/problem.ts";

/** The folder of the built pages, below the one that holds our package.json. */
const BUILT = path.join(packageRoot(), "dist", "console");

/** The placeholder for each answer's nonce in the built page; see src/console/vite.config.ts. */
const NONCE_PLACEHOLDER = "__CSP_NONCE__";

const TYPES: Record<string, string> = {
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const NOT_BUILT = `The console has not been built.

Run this in the folder of Ringback, then reload:

  npm run build:console
`;

interface Asset {
  type: string;
  plain: Buffer;
  gzipped: Buffer;
}

/**
 * `/console`: the web app, all of it from this server. Names of files below `assets` contain a hash
 * of their content, so they never change; every other path is the page, whose script chooses what
 * to show there. `/portal`: the partner view, a page of the same build.
 * @param portalFrameAncestors origins whose pages may show the partner view in a frame
 */
export function consoleRouter(
  { portalFrameAncestors }: { portalFrameAncestors: readonly string[] },
  folder = BUILT,
): Router {
  const assets = createAssets(folder);
  const router = Router({ strict: true });
  const get = (route: string, answer: (request: Request, response: Response) => Promise<void>) =>
    router.get(route, (request, response, next) => void answer(request, response).catch(next));

  router.get("/console", (_request, response) => response.redirect(308, "/console/"));
  get("/console/icon.svg", async (request, response) => {
    sendAsset(request, response, await assets(["icon.svg"]), "public, max-age=86400");
  });
  get("/console/assets/:name", async (request, response) => {
    const asset = await assets(["assets", String(request.params["name"])]);
    sendAsset(request, response, asset, "public, max-age=31536000, immutable");
  });
  get("/console/{*path}", async (_request, response) => {
    await sendPage(response, path.join(folder, "index.html"), CONSOLE);
  });
  router.get("/portal", (_request, response) => response.redirect(308, "/portal/"));
  get("/portal/{*path}", async (_request, response) => {
    // it names no origins, and would forbid those that the policy allows
    if (portalFrameAncestors.length > 0) response.removeHeader("x-frame-options");
    await sendPage(response, path.join(folder, "portal.html"), {
      // a partner's logo
      images: "'self' data: https:",
      frames: portalFrameAncestors.join(" ") || "'none'",
    });
  });
  return router;
}

/** What the policies of pages differ in: where pictures come from, and who may frame the page. */
interface PagePolicy {
  images: string;
  frames: string;
}

const CONSOLE: PagePolicy = { images: "'self' data:", frames: "'none'" };

async function sendPage(response: Response, file: string, differs: PagePolicy): Promise<void> {
  response.set("cache-control", "no-cache");
  if (!existsSync(file)) {
    response.status(503).type("text/plain").send(NOT_BUILT);
    return;
  }
  const nonce = randomBytes(16).toString("base64");
  const page = await readFile(file, "utf8");
  response.set("content-security-policy", policy(nonce, differs));
  response.type("html").send(page.replaceAll(NONCE_PLACEHOLDER, nonce));
}

/**
 * The policy of a page: nothing from elsewhere, nothing inline except style elements with this
 * answer's nonce, for the variables of the component library. Styles set by script are exempt.
 */
function policy(nonce: string, { images, frames }: PagePolicy): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    `img-src ${images}`,
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${frames}`,
  ].join("; ");
}

const compress = promisify(gzip);

/** The files of the build, compressed once. Only names from a listing are ever opened. */
function createAssets(folder: string): (steps: [string] | [string, string]) => Promise<Asset> {
  const kept = new Map<string, Promise<Asset>>();

  async function read(name: string): Promise<Asset> {
    const plain = await readFile(path.join(folder, name));
    const type = TYPES[path.extname(name)] ?? "application/octet-stream";
    return { type, plain, gzipped: await compress(plain, { level: 9 }) };
  }

  return async function asset(steps) {
    const name = steps.join("/");
    const file = steps.at(-1) ?? "";
    const listed = await readdir(path.join(folder, ...steps.slice(0, -1))).catch(
      (): string[] => [],
    );
    if (!listed.includes(file)) throw new Problem("not_found", `There is no file ${name}.`);
    const found = kept.get(name) ?? read(name);
    kept.set(name, found);
    return await found;
  };
}

function sendAsset(request: Request, response: Response, asset: Asset, caching: string): void {
  const { type, plain, gzipped } = asset;
  const zipped = request.acceptsEncodings("gzip") !== false;
  response.set({ "content-type": type, "cache-control": caching, vary: "Accept-Encoding" });
  if (zipped) response.set("content-encoding", "gzip");
  response.send(zipped ? gzipped : plain);
}

function packageRoot(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, "package.json"))) folder = path.dirname(folder);
  return folder;
}
