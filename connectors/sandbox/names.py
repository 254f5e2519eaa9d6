"""The words that invented people and companies are made of."""

from __future__ import annotations

FIRST = (
    "Ann", "Ángel", "Björn", "Chloé", "Dmitri", "Émile", "Fatima", "Giulia", "Haruto", "Ingrid", "João", "Kwame",
    "Léa", "Małgorzata", "Nguyễn", "Oleksandra", "Priya", "Quentin", "Renée", "Søren", "Tomáš", "Uğur", "Violeta",
    "Wei", "Xochitl", "Yusuf", "Zoë", "李娜", "さくら", "Мария",
)  # fmt: skip
LAST = (
    "Lee", "García", "Åkesson", "Dubois", "Ivanov", "Müller", "O'Neill", "Rossi", "Tanaka", "Nielsen", "Conceição",
    "Mensah", "Lefèvre", "Wójcik", "van der Berg", "Kovalenko", "Sharma", "Smith-Jones", "Çelik", "Novák", "Haddad",
    "Zhang", "Hernández", "Öztürk", "Jónsdóttir", "Papadopoulos", "MacDonald", "D'Angelo", "Strauß", "Nowak",
)  # fmt: skip
FIRMS = (
    "Northwind", "Blue Yonder", "Café Zürich", "Ærø Shipping", "Contoso", "Fabrikam", "Sakura Trading", "Lumière",
    "Oak & Sons", "Quantum Dairy", "Tailspin", "Woodgrove", "Litware", "Proseware", "Adatum", "Coho Vineyard",
    "Margie's Travel", "Relecloud", "Trey Research", "Wide World", "Alpine Ski", "Humongous Insurance", "Lamna",
    "Nod Publishers", "Southridge Video",
)  # fmt: skip
FORMS = ("GmbH", "Inc.", "Ltd", "S.A.", "AB", "K.K.", "LLC", "B.V.")
CITIES = (
    ("Zürich", "Switzerland"),
    ("São Paulo", "Brazil"),
    ("Pune", "India"),
    ("Kraków", "Poland"),
    ("Lyon", "France"),
    ("Ōsaka", "Japan"),
    ("Austin", "United States"),
    ("Göteborg", "Sweden"),
)
TITLES = ("CTO", "Head of Sales", "Account Manager", "Geschäftsführerin", "Ingénieur", "Buyer", "VP Marketing", "")
OWNERS = (
    ("Olive", "Okafor", "olive@sales.example"),
    ("Pedro", "Peña", "pedro@sales.example"),
    ("Grete", "Groß", "grete@sales.example"),
)
TIERS = ("Gold", "Silver", "Bronze")
INTERESTS = ("Cycling", "Music", "Travel", "Cooking", "Photography")
TAGS = ("vip", "partner", "trade-fair", "churn-risk", "beta", "press", "reseller")
STAGES = ("Lead", "Sales Qualified Lead", "Customer")
