/**
 * All windows of a browser share the session's cookie, those of the console and those of the
 * documentation: what one does to the session concerns the others, which would else show one
 * brand's name over another's data.
 */

const windows = new BroadcastChannel("codedrop-session");

/** Tells the other windows that the session may be another now. */
export function sessionMoved(): void {
  windows.postMessage(null);
}

/** Calls back when another window tells so; answers how to stop it. */
export function whenSessionMoves(look: () => void): () => void {
  windows.addEventListener("message", look);
  return () => windows.removeEventListener("message", look);
}
