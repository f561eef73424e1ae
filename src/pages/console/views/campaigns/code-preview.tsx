/** How codes of a format look, how many there can be, and how hard they are to guess. */

import { useMemo, useState } from "preact/hooks";
import type { CodeFormat } from "../../../../client/client.ts";
import { formatRefusal, formatWords, sampleCodes } from "./code-words.ts";

const SAMPLES = 3;

export function CodePreview(props: {
  format: CodeFormat | null;
  acceptGuessable: boolean;
  wanted: number;
}) {
  const { format, acceptGuessable, wanted } = props;
  const [turn, setTurn] = useState(0);
  const refusal = formatRefusal(format);
  const samples = useMemo(
    () => (refusal === null ? sampleCodes(format, SAMPLES) : []),
    [JSON.stringify(format), refusal, turn],
  );
  if (refusal !== null) {
    return (
      <div class="preview notice bad" role="status">
        <p>{refusal}</p>
      </div>
    );
  }
  const words = formatWords(format, acceptGuessable, wanted);
  return (
    <div class="preview stack">
      <div class="bar spread">
        <span class="preview-title">Codes will look like these</span>
        <button type="button" class="button plain" onClick={() => setTurn(turn + 1)}>
          Draw others
        </button>
      </div>
      <ul class="samples">
        {samples.map((code, i) => (
          <li key={i}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <p class="hint">
        {words.room} {words.odds} {words.check}
      </p>
      {words.refusal !== null && <p class="error">{words.refusal}</p>}
    </div>
  );
}
