"""What happened to one key (an order, a product), where and when: each service tells its own part
from its own tables, and the story puts the parts together."""
