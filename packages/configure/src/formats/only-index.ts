import { readIni } from "./ini";
import type { Format } from "./merge";
import { asTable, readToml, type Toml, type TomlTable } from "./toml";

/** Whether a generated text makes its tool ask the registry in the place of PyPI. */
export function isOnlyIndexText(format: Format, text: string): boolean {
    switch (format) {
        case "ini":
            return readIni(text).get("global")?.has("index-url") === true;
        case "toml":
            return isOnlyIndexToml(readToml(text));
        case "netrc":
            return false;
    }
}

function isOnlyIndexToml(file: TomlTable): boolean {
    const tools = asTable(file["tool"]) ?? {};
    const [uv, poetry, pdm] = ["uv", "poetry", "pdm"].map((name) => asTable(tools[name]) ?? {});
    const poetrySources = tables(poetry?.["source"]);
    return (
        // uv.toml and pyproject.toml
        [...tables(file["index"]), ...tables(uv?.["index"])].some((index) => index["default"] === true) ||
        (poetrySources.length > 0 && poetrySources.every(({ name }) => name !== "PyPI")) ||
        // pipenv and pdm, which call PyPI so
        [...tables(file["source"]), ...tables(pdm?.["source"])].some(({ name }) => name === "pypi") ||
        "url" in (asTable(file["pypi"]) ?? {})
    );
}

function tables(value: Toml | undefined): TomlTable[] {
    return (Array.isArray(value) ? (value as readonly Toml[]) : [])
        .map(asTable)
        .filter((table) => table !== undefined);
}
