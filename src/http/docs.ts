import { createRequire } from "node:module";
import path from "node:path";
import { Router, type RequestHandler } from "express";

const require = createRequire(import.meta.url);

/** The policy of this page alone, so it may be stricter than others. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Ringback API</title>
    <link rel="icon" type="image/png" sizes="32x32" href="favicon-32x32.png" />
    <link rel="stylesheet" href="swagger-ui.css" />
    <link rel="stylesheet" href="page.css" />
  </head>
  <body>
    <noscript>This page needs JavaScript. The description itself is at /openapi.json.</noscript>
    <div id="reference"></div>
    <script src="swagger-ui-bundle.js"></script>
    <script src="page.js"></script>
  </body>
</html>
`;

// The description names the public URL. A try-out goes to the origin of this page instead: the
// policy above refuses any other.
// A filled-in field is sent: two try-outs would share an idempotency key and a trace, and lists
// would be filtered by ids that nobody has. So examples fill in only required fields.
const SCRIPT = `const base = new URL("..", document.baseURI).href.replace(/\\/$/, "");
fetch(base + "/openapi.json").then(async (answer) => {
  const spec = await answer.json();
  spec.servers = [{ url: base }];
  const operations = Object.values(spec.paths).flatMap((path) => Object.values(path));
  for (const { required, schema } of operations.flatMap(({ parameters = [] }) => parameters)) {
    if (!required) delete schema.example;
  }
  SwaggerUIBundle({
    spec,
    dom_id: "#reference",
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    filter: true,
    persistAuthorization: false,
    tryItOutEnabled: true,
    validatorUrl: null,
    onComplete: () => document.body.classList.add("ready"),
  });
});
`;

const STYLES = `body { margin: 0; }
.swagger-ui .info { margin: 24px 0; }
`;

const ASSETS = ["swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"];

/** `/docs`: the API reference, rendered from `/openapi.json` without a request to anyone else. */
export function docsRouter(): Router {
  const folder = path.dirname(require.resolve("swagger-ui-dist/package.json"));
  const router = Router({ strict: true });
  router.get("/docs", (_request, response) => response.redirect(308, "docs/"));
  router.get("/docs/", text("html", PAGE));
  router.get("/docs/page.js", text("js", SCRIPT));
  router.get("/docs/page.css", text("css", STYLES));
  for (const name of ASSETS) {
    const file = path.join(folder, name);
    router.get(`/docs/${name}`, (_request, response) => {
      response.sendFile(file, { maxAge: "1 day" });
    });
  }
  return router;
}

function text(type: string, content: string): RequestHandler {
  return (_request, response) => {
    response
      .type(type)
      .set({ "content-security-policy": CONTENT_SECURITY_POLICY, "cache-control": "no-cache" })
      .send(content);
  };
}
