import { useState } from "preact/hooks";
import type { CodeHistory } from "../../../client/client.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field, fieldError } from "../parts/field.tsx";
import { say } from "../parts/says.tsx";
import { codedrop } from "../session.ts";

export function RevokeCode(props: { code: CodeHistory; onDone: () => void; onClose: () => void }) {
  const { code, user_id: holder } = props.code;
  const [reason, setReason] = useState("");
  const act = async () => {
    const why = reason.trim();
    const { data } = await codedrop.codes.revoke({
      codes: [code],
      ...(why === "" ? {} : { reason: why }),
    });
    props.onDone();
    const result = data[0]?.result;
    if (result === "redeemed") say("The code has been spent meanwhile, so it was not revoked.");
    else say("The code is revoked.");
  };
  return (
    <Confirm title="Revoke this code?" verb="Revoke the code" act={act} onClose={props.onClose}>
      {(error: unknown) => (
        <>
          <p>
            <code class="typed">{code}</code> will be given to nobody and is refused at every
            checkout, from now on and for good.
            {holder !== null && (
              <>
                {" "}
                <bdi>{holder}</bdi> keeps it, marked as revoked, and gets no other in its place.
              </>
            )}
          </p>
          <Field
            label="Reason (optional)"
            hint="For your own records: it is shown in the code's history."
            error={fieldError(error, "/reason")}
          >
            {(control) => (
              <input
                {...control}
                value={reason}
                maxLength={200}
                onInput={(event) => setReason(event.currentTarget.value)}
              />
            )}
          </Field>
        </>
      )}
    </Confirm>
  );
}
