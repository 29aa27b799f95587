"""What a study is: frozen, validated, serialisable descriptions with stable ids."""
