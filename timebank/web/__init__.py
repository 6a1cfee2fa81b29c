"""The web layer that all rooms share: templates and parts, forms, protection, error pages, assets.

The application plugs it in with one hook::

    Litestar(route_handlers=[...], middleware=[session_middleware], on_app_init=[timebank.web.configure])

``configure`` adds the route of the built assets, the exception handler (pages for people, problem details under
/api/), the guard against forged and outdated forms, the security headers, compression and the limits on bodies. The
session middleware puts a ``Viewer`` into ``scope["state"]["viewer"]``; without one everybody is anonymous.

A room's ``web.py`` needs: ``pages.render``, ``pages.redirect``, ``forms.read``, ``forms.Form``, ``viewer.viewer``,
and the guards ``viewer.signed_in`` and ``viewer.requires_role("coordinator")``; its ``api.py`` needs
``problem.refused``. Its templates extend ``web/base.html`` and begin with ``{% import "web/macros.html" as ui %}``,
where every part is listed.
"""

from litestar.config.app import AppConfig
from litestar.config.compression import CompressionConfig

from timebank.web import csrf, errors, headers, installed, static
from timebank.web.forms import MAX_BODY_BYTES, MAX_FIELDS

__all__ = ("configure",)

BROTLI_QUALITY = 5


def configure(config: AppConfig) -> AppConfig:
    """Litestar ``on_app_init`` hook: plug the whole web layer into the application.

    Raises:
        ImproperlyConfiguredException: the assets have not been built.
    """
    static.assets()
    config.route_handlers += [static.serve, *installed.ROUTES]
    config.exception_handlers = {Exception: errors.handle, **config.exception_handlers}
    config.guards.append(csrf.protect)
    config.before_send.append(headers.add_security_headers)
    config.request_max_body_size = MAX_BODY_BYTES
    config.multipart_form_part_limit = MAX_FIELDS
    config.compression_config = CompressionConfig(
        # The assets are compressed already; a second time would break them.
        backend="brotli",
        brotli_quality=BROTLI_QUALITY,
        exclude=[f"^{static.URL_PREFIX}/"],
        # A handler with this in its ``opt`` sends its bytes as they are: a file whose digest the answer names.
        exclude_opt_key="send_as_is",
    )
    return config
