"""`runrelay chat`: a person's side of Telegram, on the terminal."""
