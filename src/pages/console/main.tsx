import { render } from "preact";
render(<main>Codedrop</main>, document.body);
