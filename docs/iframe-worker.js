// Search when the site is opened from disk, where browsers start no workers: the worker's script runs in a hidden frame
// instead. mkdocs-material would load such a script from a CDN.
if (location.protocol === "file:") {
  window.Worker = class extends EventTarget {
    #frame = document.createElement("iframe");
    #ready;

    constructor(url) {
      super();
      this.#frame.hidden = true;
      document.body.append(this.#frame);
      const inside = this.#frame.contentWindow;
      inside.postMessage = (data) => {
        const event = new MessageEvent("message", { data });
        this.dispatchEvent(event);
        this.onmessage?.(event);
      };
      const load = (script) => new Promise((done, failed) => {
        const element = inside.document.createElement("script");
        Object.assign(element, { src: script, onload: done, onerror: failed, async: false });
        inside.document.body.append(element);
      });
      inside.importScripts = (...scripts) => Promise.all(scripts.map((script) => load(new URL(script, url))));
      this.#ready = load(url);
    }

    postMessage(data) {
      this.#ready.then(() => {
        this.#frame.contentWindow.dispatchEvent(new MessageEvent("message", { data }));
      });
    }

    terminate() {
      this.#frame.remove();
    }
  };
}
