"""What Piccolo's migration runner looks for: the engine and the apps, in the order in which they are applied."""

from piccolo.conf.apps import AppRegistry

from timebank.db import ENGINE

DB = ENGINE
APPS = ("ledger", "timebank")
APP_REGISTRY = AppRegistry(apps=[f"migrations.{app}.piccolo_app" for app in APPS])
