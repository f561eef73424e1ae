import { describe, expect, it } from "vitest";
import { sipHash } from "../../src/domain/siphash.ts";

const key = Uint8Array.from({ length: 16 }, (_, i) => i);
const counting = (length: number) => String.fromCharCode(...Array.from({ length }, (_, i) => i));
const hex = (text: string) =>
  sipHash(key, text)
    .map((half) => half.toString(16).padStart(8, "0"))
    .join("");

describe("sipHash", () => {
  it("gives the values of the reference implementation", () => {
    // vectors_sip64 of https://github.com/veorq/SipHash/blob/master/vectors.h, as numbers, and the
    // example in appendix A of the paper.
    expect(hex(counting(0))).toBe("726fdb47dd0e0e31");
    expect(hex(counting(8))).toBe("93f5f5799a932462");
    expect(hex(counting(15))).toBe("a129ca6149be45e5");
  });

  it("depends on every character and on every byte of the key", () => {
    const seen = new Set([hex("CDFGHJKM23")]);
    for (let i = 0; i < 10; i++)
      seen.add(hex(`${"CDFGHJKM23".slice(0, i)}x${"CDFGHJKM23".slice(i + 1)}`));
    expect(seen.size).toBe(11);
    for (let i = 0; i < 16; i++) {
      const other = key.with(i, 255);
      seen.add(sipHash(other, "CDFGHJKM23").join());
    }
    expect(seen.size).toBe(27);
  });
});
