"""The desktop in the browser: the only folder that imports gradio, and one that never imports torch."""
