"""A shop in one file: eight endpoints, and who may use which is in policy.csv."""

from fastapi import FastAPI
from rbac.guard import Guard, cognito

app = FastAPI(title="Shop")
guard = Guard(identify=cognito("ap-northeast-1_AbC123xyz", "1h57kf5cpq17m0eml12EXAMPLE"))
app.add_middleware(guard.middleware)

products = {1: "tea", 2: "coffee"}
orders: list[int] = []


@app.get("/health")
async def health() -> str:
    return "ok"


@app.get("/products")
async def list_products() -> list[str]:
    return list(products.values())


@app.get("/products/{number}")
async def show_product(number: int) -> str:
    return products[number]


@app.post("/products")
async def add_product(name: str) -> int:
    products[len(products) + 1] = name
    return len(products)


@app.get("/orders")
async def list_orders() -> list[int]:
    return orders


@app.post("/orders")
async def order(product: int) -> int:
    orders.append(product)
    return len(orders)


@app.post("/orders/{number}/refund")
async def refund(number: int) -> str:
    return f"order {number} is refunded"


@app.get("/reports/sales")
async def sales() -> int:
    return len(orders)
