import { describe, expect, it } from "vitest";
import { refusedTarget } from "../../src/domain/target.ts";

const refused = (address: string, allowsLoopback = false) =>
  refusedTarget(address, { allowsLoopback });

describe("a target", () => {
  it.each([
    "https://login.partner.example/.well-known/jwks.json",
    "https://login.partner.example:443/keys?tenant=a%20b",
    "https://LOGIN.Partner.Example./keys",
    "https://bücher.example/keys",
    "https://8.8.8.8/keys",
    "https://172.32.0.1/",
    "https://100.128.0.1/",
    "https://192.0.1.1/",
    "https://[2606:4700:4700::1111]/keys",
    "https://[2001:4860:4860::8888]/",
    "https://localhost.partner.example/",
    "https://internal.example/",
  ])("may be %s, whether or not loopback is allowed", (address) => {
    expect([refused(address), refused(address, true)]).toEqual([null, null]);
  });

  it.each([
    // One address in every notation that a URL knows.
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://2130706433/",
    "https://017700000001/",
    "https://%31%32%37.0.0.1/",
    "https://１２７.0.0.1/",
    "https://127。0。0。1/",
    "https://127.255.255.254/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://loc%61lhost/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://loc\u00adalhost/",
    "https://localhost。/",
    "https://①27.0.0.1/",
    "https://a.b.localhost/",
    "https://a.localhost./",
  ])("may be loopback, %s, only where that is allowed", (address) => {
    expect(refused(address)).toBe("Must be on a public host.");
    expect(refused(address, true)).toBeNull();
    const plain = address.replace("https://", "http://").replace(/\/$/, ":8787/keys");
    expect(refused(plain)).toBe("Must begin with https://.");
    expect(refused(plain, true)).toBeNull();
  });

  it.each([
    "https://0.0.0.0/",
    "https://0/",
    "https://10.0.0.1/",
    "https://10.255.255.255/",
    "https://012.0.0.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.0.0.192/",
    "https://192.0.2.1/",
    "https://192.168.1.1/",
    "https://198.18.0.1/",
    "https://198.19.255.255/",
    "https://198.51.100.7/",
    "https://203.0.113.7/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[::ffff:0:127.0.0.1]/",
    "https://[0:0:0:0:0:ffff:169.254.169.254]/",
    "https://[::127.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b:1::1]/",
    "https://[100::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[febf::1]/",
    "https://[fec0::1]/",
    "https://[ff02::1]/",
    "https://[2001::1]/",
    "https://[2001:0:53aa:64c:0:7ff0:a9fe:a9fe]/",
    "https://[2001:db8::1]/",
    "https://[2002:7f00:1::]/",
    "https://[3fff::1]/",
    "https://metadata/",
    "https://kubernetes/",
    "https://metadata.google.internal/",
    "https://METADATA.google.INTERNAL./",
    "https://x.internal/",
    "https://x。internal/",
    "https://x.ｉｎｔｅｒｎａｌ/",
    "https://internal/",
    "https://printer.local/",
    "https://host.localdomain/",
    "https://router.home.arpa/",
    "https://partner.example../",
  ])("is never %s", (address) => {
    const words = "Must be on a public host.";
    expect([refused(address), refused(address, true)]).toEqual([words, words]);
  });

  it.each([
    ["http://login.partner.example/", "Must begin with https://."],
    ["ftp://login.partner.example/", "Must begin with https://."],
    ["ftp://localhost/", "Must begin with https://."],
    ["file:///etc/passwd", "Must begin with https://."],
    ["data:application/json,{}", "Must begin with https://."],
    ["javascript:alert(1)", "Must begin with https://."],
    ["https://login.partner.example:22/", "Must use port 443."],
    ["https://login.partner.example:8443/", "Must use port 443."],
    ["https://user:pw@login.partner.example/", "Must not hold a user name or password."],
    ["https://user@127.0.0.1/", "Must not hold a user name or password."],
    ["https://:pw@login.partner.example/", "Must not hold a user name or password."],
    ["https://login.partner.example/#keys", "Must not hold a fragment."],
    ["https://login.partner.example/#", "Must not hold a fragment."],
    ["https://login.partner.example\\@127.0.0.1/", /backslashes/],
    ["https:\\\\login.partner.example/", /backslashes/],
    [" https://login.partner.example/", /blanks/],
    ["https://login.partner.example/\n", /control/],
    ["https://login.par\ttner.example/", /control/],
    ["https://login.partner.example/\u0000", /control/],
    ["login.partner.example/keys", /complete address/],
    ["//login.partner.example/keys", /complete address/],
    ["", /complete address/],
    ["https://", /complete address/],
    ["https://1.2.3.256/", /complete address/],
    ["https://[::1/", /complete address/],
    ["https://[fe80::1%25eth0]/", /complete address/],
    ["https://part ner.example/", /blanks/],
  ])("is never %j, and is told why", (address, words) => {
    for (const allowsLoopback of [false, true]) {
      expect(refused(address, allowsLoopback)).toMatch(words);
    }
  });

  it.each([
    "https://codes.example/",
    "https://CODES.example/v1/events",
    "https://codes.example./",
    "https://codes.example:443/",
    "https://codes.example.:443/",
    "https://cod%65s.example/",
    "https://codes。example/",
  ])("is never %s where that is ourselves", (address) => {
    for (const own of ["codes.example", "codes.example.", "CODES.EXAMPLE", "codes.example:443"]) {
      const ownAddress = `https://${own}/v1/webhook-endpoints`;
      const words = refusedTarget(address, { allowsLoopback: false, ownAddress });
      expect([own, words]).toEqual([own, "Must not be on this service's own host."]);
    }
    const ownAddress = "https://other.example/";
    expect(refusedTarget(address, { allowsLoopback: false, ownAddress })).toBeNull();
  });

  it("may be another port of the machine that we run on, in local development", () => {
    const ownAddress = "http://localhost:8787/v1/webhook-endpoints";
    const how = { allowsLoopback: true, ownAddress };
    expect(refusedTarget("http://localhost:9000/", how)).toBeNull();
    for (const own of ["http://localhost:8787/", "http://LOCALHOST.:8787/"]) {
      expect(refusedTarget(own, how)).toMatch(/own host/);
    }
    expect(refusedTarget("http://localhost:8787/", { allowsLoopback: true })).toBeNull();
  });

  it("has at most 2,048 characters", () => {
    const address = `https://login.partner.example/${"x".repeat(2_018)}`;
    expect([address.length, refused(address)]).toEqual([2_048, null]);
    expect(refused(`${address}x`)).toBe("Must be at most 2,048 characters.");
  });
});
