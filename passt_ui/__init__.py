"""The page: everything that knows Gradio and Plotly."""
