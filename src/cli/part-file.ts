import { open, realpath, rename, rm, stat, type FileHandle } from "node:fs/promises";
import { UsageError } from "./parse.ts";

/** For the owner only: codes are worth money. */
const MODE = 0o600;

/** A file that is there as a whole or not at all: written beside its place, then renamed. */
export class PartFile {
  readonly #target: string;
  readonly #handle: FileHandle;

  private constructor(target: string, handle: FileHandle) {
    this.#target = target;
    this.#handle = handle;
  }

  static async create(path: string): Promise<PartFile> {
    // A link is followed, or it would be replaced.
    const target = await realpath(path).catch(() => path);
    const found = await stat(target).catch(() => null);
    if (found !== null && !found.isFile()) throw new UsageError(`${path} is not a file.`);
    try {
      return new PartFile(target, await open(`${target}.part`, "w", MODE));
    } catch (error) {
      throw new UsageError(`Cannot write ${path}: ${reasonOf(error)}.`, { cause: error });
    }
  }

  async write(chunk: string | Uint8Array): Promise<void> {
    await this.#handle.writeFile(chunk);
  }

  async keep(): Promise<void> {
    await this.#handle.sync();
    await this.#handle.close();
    await rename(`${this.#target}.part`, this.#target);
  }

  async discard(): Promise<void> {
    await this.#handle.close().catch(() => undefined);
    await rm(`${this.#target}.part`, { force: true });
  }
}

/** Why the file system refused, in words. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const words: Record<string, string> = {
    ENOENT: "there is no such file or folder",
    EACCES: "permission denied",
    EISDIR: "it is a folder",
    ENOSPC: "the disk is full",
  };
  return words[code] ?? (code || String(error));
}

/** Opens `path`, writes to it what `work` gives, and keeps it only if all of it came. */
export async function writeWhole<Result>(
  path: string,
  work: (file: PartFile) => Promise<Result>,
): Promise<Result> {
  const file = await PartFile.create(path);
  try {
    const result = await work(file);
    await file.keep();
    return result;
  } catch (error) {
    await file.discard();
    throw error;
  }
}
