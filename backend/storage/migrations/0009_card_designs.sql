ALTER TABLE provisioned_cards ADD COLUMN design TEXT DEFAULT '' NOT NULL;

UPDATE provisioned_cards SET design = lower(product) WHERE product IN ('Everyday', 'Travel', 'Reserve');
