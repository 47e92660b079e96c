export const half = { name: "test.half", input: { type: "object" }, run: () => 1 };
