"""Pictures that people give: what is taken, what is made of it, and what it is called."""
