import js from "@eslint/js";
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
    { ignores: ["node_modules/", "packages/*/dist/", ".sandbox/", ".venv/"] },
    js.configs.recommended,
    {
        files: ["**/*.ts"],
        extends: [tseslint.configs.strictTypeChecked],
        languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
        rules: {
            "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
            // A name left out of a copy: const { left, ...rest } = whole.
            "@typescript-eslint/no-unused-vars": [
                "error",
                { argsIgnorePattern: "^_", varsIgnorePattern: "^_" },
            ],
        },
    },
    {
        // Its packages are not installed here: see test/examples/pulumi-deployments.test.ts.
        files: ["examples/pulumi-deployments/index.ts", "examples/languages/**/*.ts"],
        extends: [tseslint.configs.disableTypeChecked],
    },
    {
        files: ["**/*.cjs", "packages/registry/index.js"],
        languageOptions: { sourceType: "commonjs", globals: { __dirname: "readonly" } },
    },
    {
        files: ["test/**/*.ts"],
        rules: {
            "@typescript-eslint/no-non-null-assertion": "off",
            "no-restricted-syntax": [
                "error",
                ...[
                    // this.timeout(…), AbortSignal.timeout(…)
                    "CallExpression[callee.property.name='timeout']",
                    // { timeout: 1000 } of a child process or a socket
                    "Property[key.name='timeout'] > Literal",
                    "CallExpression[callee.name='setTimeout']",
                ].map((selector) => ({
                    selector,
                    message:
                        "A slow machine misses a limit of its own. Use within or eventually (test/deadline.ts).",
                })),
            ],
        },
    },
    {
        files: ["test/deadline.ts"],
        rules: { "no-restricted-syntax": "off" },
    },
);
