import { Command } from "commander";
import { execa } from "execa";
import { copyFile, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { format, resolveConfig } from "prettier";
import { isPartOfProject, templateText } from "./files";

// npm run template: this repository as a template for `pulumi new`.

const root = join(__dirname, "..", "..", "..", "..");

const command = new Command("npm run template --")
    .description(
        "Writes a template for pulumi new to a new or empty folder: this repository without its example stacks and without " +
            "the tests that only its own development needs. Then run: pulumi new FOLDER",
    )
    .argument("<folder>", "the folder to write")
    .allowExcessArguments(false);

async function main(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    if ((await readdir(folder)).length > 0) {
        throw new Error(`${folder} is not empty. Choose a different folder`);
    }
    // Also where the checkout belongs to a different user, as in a container.
    const options = ["-c", `safe.directory=${root}`];
    const { stdout } = await execa("git", [...options, "ls-files", "-z"], { cwd: root, stdin: "ignore" });
    const paths = stdout.split("\0").filter((path) => path !== "" && isPartOfProject(path));
    const section = await readFile(join(__dirname, "template.yaml"), "utf8");
    const style = await resolveConfig(join(root, "package.json"));
    for (const path of paths) {
        const [source, target] = [join(root, path), join(folder, path)];
        await mkdir(dirname(target), { recursive: true });
        await copyFile(source, target);
        const text = await readFile(source, "utf8");
        const edited = templateText(path, text, section);
        if (edited !== text) await writeFile(target, await format(edited, { ...style, filepath: path }));
    }
    console.log(
        `Wrote ${paths.length} files. In the empty folder of the new project, run: pulumi new ${resolve(folder)}`,
    );
}

command.action(async (folder: string) => {
    try {
        await main(folder);
    } catch (error) {
        command.error(`error: ${(error as Error).message}`);
    }
});
void command.parseAsync();
