"""The description of the API as a page, from files of our own: it works without the internet.

The files of Swagger UI come with the package `fastapi-offline`.
"""

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

PAGE, ASSETS = "/docs", "/docs/assets"


def add_docs_page(app: FastAPI) -> None:
    """Serve `/docs` and what it needs."""
    folder = Path(str(files("fastapi_offline"))) / "static"
    page = get_swagger_ui_html(
        openapi_url="/openapi.json",
        title=f"{app.title} – API",
        swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS}/favicon.png",
        swagger_ui_parameters={"docExpansion": "list", "defaultModelsExpandDepth": 0, "filter": True},
    )

    async def docs(_request: Request) -> HTMLResponse:
        return page

    app.add_route(PAGE, docs, include_in_schema=False)
    app.mount(ASSETS, StaticFiles(directory=folder), name="docs-assets")
