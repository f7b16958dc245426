"""The charts of a report: what each shows, as Vega-Lite, and its drawing as SVG and PNG."""
