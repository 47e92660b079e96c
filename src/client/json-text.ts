/**
 * JSON that is sent as it is written, for what JavaScript would change: numbers of more digits than
 * a double has, the order of keys that are numbers. Ringback hands it on digit by digit.
 */
export class JsonText {
  readonly #text: string;

  /** @throws SyntaxError it is not JSON */
  constructor(text: string) {
    JSON.parse(text);
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

/** The body of a request, whose members may be `JsonText`. */
export function bodyText(body: object): string {
  const members = Object.entries(body).flatMap(([name, value]: [string, unknown]) => {
    const text = value instanceof JsonText ? value.toString() : JSON.stringify(value);
    // as JSON.stringify leaves out what is undefined
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${members.join(",")}}`;
}
