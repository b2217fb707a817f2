import os

SECRET_KEY = os.environ.get("SECRET_KEY", "only-for-development")
DATABASE = os.environ.get("DATABASE", "shop.db")
TOKEN_LIFETIME_S = 3600
